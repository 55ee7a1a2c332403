# Fairway as an image: what `make build` made, and the helm that it runs. dev/image lays them out, builds and pushes; nothing is
# compiled here, so an image holds exactly the program that was tested. The base is Debian 12 with git and certificates:
# the program is linked to that Debian's C library.
ARG BASE=127.0.0.1:5000/base/debian:12
FROM ${BASE}

# Not root: whatever comes through the edge can write to its own data only.
RUN useradd --system --uid 10003 --user-group --create-home --home-dir /var/lib/fairway fairway

COPY helm /usr/local/bin/
COPY site /usr/share/fairway/site
COPY fairway /usr/local/bin/

ENV FAIRWAY_SITE=/usr/share/fairway/site FAIRWAY_DATA=/var/lib/fairway FAIRWAY_LOG_FORMAT=json
USER 10003:10003
WORKDIR /var/lib/fairway
VOLUME /var/lib/fairway
EXPOSE 3000
ENTRYPOINT ["fairway"]
