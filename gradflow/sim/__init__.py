"""The simulation: experiments, data sets and training, without a window."""
