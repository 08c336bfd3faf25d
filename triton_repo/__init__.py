"""The model repository that Triton serves, and how its models are built."""
