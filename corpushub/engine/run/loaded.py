"""The process that workers are copied from: everything is loaded in it, and nothing of the frame library has begun to run.

Loading the engine and the compiled kernels costs a second of a core, a copy of a process that holds them a few milliseconds. Copying is safe
only while no thread of the frame library runs; its threads start with the first query, and nothing here asks one. `multiprocessing` imports
this module in the process it forks workers from (`nursery` names it), and only there.
"""

from __future__ import annotations

from importlib import import_module

from corpushub.engine.loading import for_good

with for_good():
    import_module("corpushub.engine.registry").registry()
    import_module("corpushub.engine.run.pool").load_kernels()
