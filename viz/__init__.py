"""Pictures of the backward pass."""
