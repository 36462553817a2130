"""What a network is held against: losses, targets, and the metrics of its outputs."""
