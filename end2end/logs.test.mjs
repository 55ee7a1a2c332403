// Proves a followed log loses no line and repeats none: across cut connections, a killed Fairway, a deleted pod and a rollout.
