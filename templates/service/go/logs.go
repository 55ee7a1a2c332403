package main

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// jsonLines writes one JSON object a line. A level that doesn't exist is read as info.
func jsonLines(out io.Writer, level string) slog.Handler {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "warn": slog.LevelWarn, "warning": slog.LevelWarn, "error": slog.LevelError,
	}
	return slog.NewJSONHandler(out, &slog.HandlerOptions{
		Level: levels[strings.ToLower(level)],
		ReplaceAttr: func(groups []string, field slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return field
			}
			switch field.Key {
			case slog.MessageKey:
				field.Key = "message"
			case slog.LevelKey:
				field.Value = slog.StringValue(strings.ToLower(field.Value.String()))
			}
			return field
		},
	})
}

// logRequest says what was asked and answered. Requests of probes and of Prometheus come every few seconds: as long as they are
// answered well, only the level debug shows them.
func logRequest(r *http.Request, path string, status int, took time.Duration) {
	level := slog.LevelInfo
	if (path == "/healthz" || path == "/metrics") && status < 400 {
		level = slog.LevelDebug
	}
	slog.LogAttrs(r.Context(), level, r.Method+" "+r.URL.Path,
		slog.String("client", r.RemoteAddr),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
	)
}
