"""What scripts touch: Workspace, Experiment, Run, Model and their kin."""
