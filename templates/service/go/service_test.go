package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
)

func ask(t *testing.T, s *service, path string) (int, string) {
	t.Helper()
	answer := httptest.NewRecorder()
	s.handler().ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
	return answer.Code, answer.Body.String()
}

func TestSaysWhatItIs(t *testing.T) {
	status, body := ask(t, newService("orders", "1", nil), "/")
	if status != 200 || !strings.Contains(body, `"service":"orders"`) {
		t.Fatalf("%d %s", status, body)
	}
}

func TestStaysHealthyWhileRedisIsAway(t *testing.T) {
	store, err := connect("redis://127.0.0.1:1/0")
	if err != nil {
		t.Fatal(err)
	}
	status, body := ask(t, newService("orders", "1", store), "/healthz")
	if status != 200 || !strings.Contains(body, `"redis":"away"`) {
		t.Fatalf("%d %s", status, body)
	}
}

func TestCountsRequestsByRoute(t *testing.T) {
	s := newService("orders", "1", nil)
	ask(t, s, "/typed/by/somebody")
	_, body := ask(t, s, "/metrics")
	if !strings.Contains(body, `http_requests_total{method="GET",path="unknown",status="404"} 1`) {
		t.Fatal(body)
	}
}

func TestALineIsOneJSONObject(t *testing.T) {
	var out bytes.Buffer
	slog.New(jsonLines(&out, "nonsense")).Warn("two\nlines")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["message"] != "two\nlines" || line["level"] != "warn" {
		t.Fatalf("%v %s", err, out.String())
	}
}
