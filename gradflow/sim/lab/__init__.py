"""The lab: what backpropagation and autograd do, step by step, as frozen results that the window can show."""
