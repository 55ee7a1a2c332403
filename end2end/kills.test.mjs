// Proves a SIGKILL of Fairway at any step of a creation or a deploy: the next process finishes the job, with one repository, one build, one effective release.
