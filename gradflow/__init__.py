"""gradflow: an oscilloscope for gradients.

The house has floors, and stairs go down only:

- `gradflow.app` and `gradflow.cli` are the two front doors: the window and the command line.
- `gradflow.ui` is the window onto a run, in PySide6 and pyqtgraph. It draws; it computes nothing. Panels edit an
  `Experiment`, views draw a `Frame`, and only `ui.session` knows both; `ui.commands` takes every edit back.
- `gradflow.sim` is one experiment, described and executed, without Qt: `config` says what an experiment is, `datasets`
  where its samples come from, `trainer` runs it step by step, `history` remembers, `diagnosis` puts into words what
  is wrong, `worker` does all that on a thread; `rerun` takes the same steps again, for what exploded and for `preview`;
  `sweep` runs grids of experiments on any executor.
- `gradflow.engine` is the mathematics of one network, in NumPy: activations, initialisers, losses, optimisers, and the
  static graph that runs forwards and backwards.
- `gradflow.theory` is what the papers predict of random networks: averages, maps, critical points, finite width.
- `gradflow.autograd` is the chain rule on any expression: a tape with the names and rules of `torch.autograd`, and a
  small language that is parsed, never run.
- `gradflow.registry`, `gradflow.errors` and `gradflow.assets` are the cellar: names to parts, sentences for what goes
  wrong, and where `resources/` is.
"""

__version__ = "0.1.0"
