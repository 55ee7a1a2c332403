# What a person types. dev/README.md says what each does.
.PHONY: run stop reset build test bench pictures

run: ; @dev/run
stop: ; @dev/stop
reset: ; @dev/stop --forget
build: ; @dev/build
test: ; @dev/test
bench: ; @dev/bench
pictures: ; @dev/pictures
