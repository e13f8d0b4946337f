"""What is in memory where: the plan to bring a model in, and the order in which waiting turns go.

Pure functions and one in-memory ledger; loads and unloads nothing. `actors/model_host.py` has the plans carried out.
"""
