package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"
)

// service is what the program answers.
type service struct {
	name, version string
	store         *redis.Client // nil where the service has no Redis
	registry      *prometheus.Registry
	requests      *prometheus.CounterVec
	duration      *prometheus.HistogramVec
}

func newService(name, version string, store *redis.Client) *service {
	s := &service{
		name:     name,
		version:  version,
		store:    store,
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered.",
		}, []string{"method", "path", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "How long requests took.",
		}, []string{"method", "path"}),
	}
	s.registry.MustRegister(s.requests, s.duration, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// connect gives a Redis that answers within a second or counts as away; nil where the service has none.
func connect(url string) (*redis.Client, error) {
	if url == "" {
		return nil, nil
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = time.Second, time.Second, time.Second
	options.MaxRetries = -1
	return redis.NewClient(options), nil
}

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.measured("/", s.index))
	mux.HandleFunc("GET /healthz", s.measured("/healthz", s.healthz))
	metrics := promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{})
	mux.HandleFunc("GET /metrics", s.measured("/metrics", metrics.ServeHTTP))
	mux.HandleFunc("/", s.measured("unknown", http.NotFound))
	return mux
}

func (s *service) index(w http.ResponseWriter, r *http.Request) {
	answer := map[string]any{"service": s.name, "version": s.version}
	if s.store != nil {
		answer["hits"] = s.countHit(r.Context())
	}
	respond(w, answer)
}

// countHit says how often / was asked, or nil while Redis is away.
func (s *service) countHit(ctx context.Context) any {
	hits, err := s.store.Incr(ctx, "hits").Result()
	if err != nil {
		slog.Warn("Redis didn't count the hit", "error", err.Error())
		return nil
	}
	return hits
}

// healthz is 200 as long as the process can serve: restarting it wouldn't bring back a Redis that is away.
func (s *service) healthz(w http.ResponseWriter, r *http.Request) {
	respond(w, map[string]any{"status": "ok", "redis": s.redisState(r.Context())})
}

func (s *service) redisState(ctx context.Context) string {
	if s.store == nil {
		return "none"
	}
	if err := s.store.Ping(ctx).Err(); err != nil {
		return "away"
	}
	return "ok"
}

func respond(w http.ResponseWriter, answer map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		slog.Warn("the answer didn't reach the caller", "error", err.Error())
	}
}

// measured counts, times and logs. The path is the route's own, not what was typed: otherwise every typed path would become a
// series of its own.
func (s *service) measured(path string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next(seen, r)
		took := time.Since(started)
		s.requests.WithLabelValues(r.Method, path, strconv.Itoa(seen.status)).Inc()
		s.duration.WithLabelValues(r.Method, path).Observe(took.Seconds())
		logRequest(r, path, seen.status, took)
	}
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
