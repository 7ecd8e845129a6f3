package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"parley"
	"parley/endpoint"
	"parley/transport"
)

// A metricsServer serves metrics over HTTP. A nil one does nothing.
type metricsServer struct {
	url  string
	http http.Server
	log  *slog.Logger
	done chan struct{} // closed when serve has returned
}

// serveMetrics serves what stats and chats return, and what is known of the
// process, at where: HOST:PORT, loopback without a host. The caller stops it.
func serveMetrics(ctx context.Context, where string, stats func() []parley.Stats, chats func() []hallStats, log *slog.Logger) (*metricsServer, error) {
	return serveHTTP(ctx, where, log, []prometheus.Collector{collector{stats}, hallCollector{chats}}, func(*http.ServeMux) {})
}

// serveHTTP serves what collectors collect, and what is known of the process, and what more
// adds.
func serveHTTP(ctx context.Context, where string, log *slog.Logger, collected []prometheus.Collector, more func(*http.ServeMux)) (*metricsServer, error) {
	at, err := metricsEndpoint(where)
	if err != nil {
		return nil, usageError{err: err}
	}
	ln, err := transport.Listen(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(collected...)
	m := &metricsServer{
		url:  "http://" + at.WithAddr(ln.Addr()).Address() + "/metrics",
		log:  log,
		done: make(chan struct{}),
	}
	m.http = http.Server{
		Handler:           metricsHandler(registry, log, more),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute, // more than the usual time between two scrapes
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go m.serve(ln)
	return m, nil
}

// metricsEndpoint reads HOST:PORT.
func metricsEndpoint(where string) (endpoint.Endpoint, error) {
	at, err := endpoint.Parse(where)
	if err != nil {
		return at, fmt.Errorf("--metrics: %w", err)
	}
	if !strings.HasPrefix(at.Scheme, "tcp") {
		return at, fmt.Errorf("--metrics %q: want HOST:PORT", where)
	}
	if at.Host == "" {
		at.Host = "127.0.0.1"
	}
	return at, nil
}

func metricsHandler(registry *prometheus.Registry, log *slog.Logger, more func(*http.ServeMux)) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelError),
		MaxRequestsInFlight: 8,
		Timeout:             10 * time.Second,
	}))
	more(mux)
	return mux
}

// serve is a goroutine; it ends with stop, or when the listener fails.
func (m *metricsServer) serve(ln net.Listener) {
	defer close(m.done)
	if err := m.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		m.log.Error("fail", "text", "metrics are not served any more", "err", err.Error())
	}
}

// stop lets a scrape that is under way finish, for a second, and returns when
// nothing is left.
func (m *metricsServer) stop() {
	if m == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if m.http.Shutdown(ctx) != nil {
		m.http.Close()
	}
	<-m.done
}
