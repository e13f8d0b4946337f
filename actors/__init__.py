"""The running system on Ray: who lives, who owns what, who heals whom. Decides nothing that `delegator` can decide."""
