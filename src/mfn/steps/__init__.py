"""One plain function a step, BatchRef in and BatchRef out; the tasks and the command line call the same ones."""
