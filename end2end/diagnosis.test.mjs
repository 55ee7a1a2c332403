// Proves the failures that people meet, made for real on staging: each is named with Kubernetes' own words while the old version keeps serving, and a rollback heals.
