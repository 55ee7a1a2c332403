// Starts the service and stops it gracefully on SIGTERM.
package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	slog.SetDefault(slog.New(jsonLines(os.Stdout, os.Getenv("LOG_LEVEL"))))
	if err := run(); err != nil {
		slog.Error("the service can't run", "error", err.Error())
		os.Exit(1)
	}
}

func run() error {
	store, err := connect(os.Getenv("REDIS_URL"))
	if err != nil {
		return err
	}
	service := newService(cmp.Or(os.Getenv("SERVICE_NAME"), "service"), cmp.Or(os.Getenv("SERVICE_VERSION"), "development"), store)
	server := &http.Server{
		Addr:              net.JoinHostPort("", cmp.Or(os.Getenv("PORT"), "8080")),
		Handler:           service.handler(),
		ReadHeaderTimeout: 10 * time.Second,
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	slog.Info("listening", "address", server.Addr)

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	slog.Info("stopping: no new connections, finishing what was begun")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	slog.Info("stopped")
	return nil
}
