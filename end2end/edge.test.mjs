// Proves what clients and proxies see of Fairway: policy, caching, streams, the API's document and problems, health, weight of a first page, a clean end.
