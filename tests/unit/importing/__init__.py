"""Making a topology from what was written for something else."""
