"""What the user edits and reads beside the views: they speak `Experiment`, and know neither engine nor session."""
