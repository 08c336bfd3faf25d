"""What travels between the stages: topics, messages and the tables they end in. Imports nothing of ours."""
