"""One plain function a step, BatchRef in and BatchRef out; the tasks and the command line call the same ones.

Each flow has a room, with its steps and what only they need:

    importing/    extract > validate > transform > load
    confirming/   collect > normalize > confirm > verify
    stock/        read > compare > push > verify
    reconciling/  search > compare
    privacy/      purge > scrub

`stages` has the order of the steps, `runs` carries them out under a lease, `report` ends every run; what runs again is
in rerunning/. No runs, but what people look at and decide: checking/, mappings/, orders/.
"""
