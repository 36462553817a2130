"""What is kept on disk: whole files or none, models, and checkpoints of a run."""
