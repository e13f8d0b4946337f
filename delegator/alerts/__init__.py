"""When somebody's attention is wanted: rules over what was measured, told once, taken back once.

Pure: takes figures, returns what is raised and cleared. Who measures, records and tells is `actors/`.
"""
