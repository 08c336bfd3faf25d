"""The whole data flow on one machine: which processes it takes, how it goes, and whether it added up."""
