"""A host that speaks Ollama's HTTP interface and fakes only time, memory and text.

A program of its own (`python -m delegator.ollama.simulator`): no other module of Delegator imports it, tests apart.
Code that works against it must work unchanged against Ollama, so it is never kinder than Ollama: it sends no headers
before the first token, lists no model that is still loading, answers an unload before the memory is free, queues
without fairness and checks no memory on hosts without GPU.

Docstrings cite the behaviour they reproduce as «item N»:

     1 routes and methods          11 format and schemas          21 memory ceiling
     2 errors and their order      12 cutting long prompts        22 keep_alive rules
     3 names                       13 embeddings                  23 unload while busy, deadlock
     4 fields, times, orders       14 pull                        24 disconnects
     5 streaming                   15 fast path and queue         25 what ps lists
     6 done_reason, stop           16 slots                       26 load_duration
     7 keep_alive values           17 one load at a time          27 load stall
     8 preload and unload          18 what makes a reload         28 delete of a loaded model
     9 thinking                    19 count limit, eviction order 29 default window
    10 tools                       20 memory check on GPUs        30 families with one slot
"""
