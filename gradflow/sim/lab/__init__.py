"""The lab: one network at one step, taken apart. Results are frozen; whoever shows them computes nothing."""
