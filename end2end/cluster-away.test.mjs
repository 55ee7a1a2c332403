// Proves the cluster out of reach: pages keep the last state and say since when it is unknown, deploys are refused, and all recovers by itself.
