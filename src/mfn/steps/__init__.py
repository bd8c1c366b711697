"""One plain function for each step, BatchRef in and BatchRef out, called by the Prefect tasks and by the command line.

Each flow has a folder with its steps and what only they need:

    importing/    extract > validate > transform > load
    confirming/   collect > normalize > confirm > verify
    stock/        read > compare > push > verify
    reconciling/  search > compare
    privacy/      purge > scrub

`stages` has the order of the steps, `runs` carries them out under a lease, and `report` ends every run. rerunning/ runs
batches again. checking/, mappings/ and orders/ are not runs: they serve the commands with which people look and decide.
"""
