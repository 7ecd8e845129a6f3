package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
)

// streamConfig is the stream that c asks for.
func (c *Config) streamConfig() natsjs.StreamConfig {
	return natsjs.StreamConfig{
		Name:               streamName,
		Description:        "messages of parley chat",
		Subjects:           []string{allRooms},
		Storage:            natsjs.FileStorage,
		Retention:          natsjs.LimitsPolicy,
		Discard:            natsjs.DiscardOld,
		MaxAge:             max(c.age(), 0),
		MaxMsgsPerSubject:  orNone(c.roomMessages()),
		MaxBytes:           orNone(c.bytes()),
		MaxMsgs:            -1,
		MaxConsumers:       -1,
		Duplicates:         dedupWindow,
		AllowDirect:        true,
		AllowAtomicPublish: true,
		DenyDelete:         true,
		DenyPurge:          true,
		Replicas:           1,
	}
}

// orNone is a limit as NATS writes it: -1 is none.
func orNone(v int64) int64 {
	if v <= 0 {
		return -1
	}
	return v
}

// ensureEmbedded makes the stream of an embedded server what c asks for, and
// returns what it holds.
func ensureEmbedded(ctx context.Context, k *link, c *Config) (*natsjs.StreamInfo, error) {
	want := c.streamConfig()
	if c.Age > 0 {
		want.Duplicates = min(want.Duplicates, c.Age)
	}
	stream, err := k.js.CreateOrUpdateStream(ctx, want)
	if err != nil {
		return nil, plainError(err)
	}
	k.atomic = true
	return stream.Info(ctx)
}

// ensureExternal finds the stream of an external server, or makes it. One that is
// there is taken with the limits that it has: other processes use it too.
func ensureExternal(ctx context.Context, k *link, c *Config) (*natsjs.StreamInfo, error) {
	stream, err := k.js.Stream(ctx, streamName)
	if errors.Is(err, natsjs.ErrStreamNotFound) {
		stream, err = createReplicated(ctx, k, c)
	}
	switch {
	case errors.Is(err, natsjs.ErrJetStreamNotEnabled), errors.Is(err, natsjs.ErrJetStreamNotEnabledForAccount), errors.Is(err, nats.ErrNoResponders):
		return nil, errors.New("the NATS server has no JetStream (start it with -js)")
	case err != nil:
		return nil, plainError(err)
	}
	info := stream.CachedInfo()
	if info.Config.Replicas < c.replicas() || !info.Config.AllowDirect || !info.Config.AllowAtomicPublish {
		info = improve(ctx, k, c, info)
	}
	if len(info.Config.Subjects) != 1 || info.Config.Subjects[0] != allRooms {
		return nil, fmt.Errorf("the stream %s has other subjects than %s", streamName, allRooms)
	}
	k.atomic = info.Config.AllowAtomicPublish
	sayDifferences(c, &info.Config)
	return info, nil
}

// plainError is what the server says, without its codes.
func plainError(err error) error {
	if api := (*natsjs.APIError)(nil); errors.As(err, &api) {
		return fmt.Errorf("make the stream: %s", api.Description)
	}
	return err
}

// createReplicated makes the stream with as many replicas as the cluster has
// servers for, up to what c asks for.
func createReplicated(ctx context.Context, k *link, c *Config) (natsjs.Stream, error) {
	want := c.streamConfig()
	want.AllowAtomicPublish = serverAtLeast(k, 2, 12)
	for want.Replicas = c.replicas(); ; want.Replicas-- {
		stream, err := k.js.CreateStream(ctx, want)
		if errors.Is(err, natsjs.ErrStreamNameAlreadyInUse) { // another process was faster
			return k.js.Stream(ctx, streamName)
		}
		if err == nil || want.Replicas == 1 || !tooFewServers(err) {
			return stream, err
		}
	}
}

// tooFewServers reports whether err says that the cluster cannot have so many
// replicas.
func tooFewServers(err error) bool {
	const noPeers, replicasNotSupported = 10005, 10074
	var api *natsjs.APIError
	return errors.As(err, &api) && (api.ErrorCode == noPeers || api.ErrorCode == replicasNotSupported)
}

// improve gives an existing stream what it lacks of replicas and abilities, if
// the server lets it; otherwise it stays as it is.
func improve(ctx context.Context, k *link, c *Config, info *natsjs.StreamInfo) *natsjs.StreamInfo {
	have := info.Config
	better := have
	better.AllowDirect = true
	better.AllowAtomicPublish = have.AllowAtomicPublish || serverAtLeast(k, 2, 12)
	for better.Replicas = max(have.Replicas, c.replicas()); better.Replicas >= have.Replicas; better.Replicas-- {
		if better.Replicas == have.Replicas && better.AllowDirect == have.AllowDirect && better.AllowAtomicPublish == have.AllowAtomicPublish {
			break
		}
		if stream, err := k.js.UpdateStream(ctx, better); err == nil {
			return stream.CachedInfo()
		} else if !tooFewServers(err) {
			c.log().Warn("chat log: the stream stays as it is", "stream", streamName, "error", err)
			break
		}
	}
	return info
}

// sayDifferences logs where an external stream's limits are not those asked for.
func sayDifferences(c *Config, have *natsjs.StreamConfig) {
	want := c.streamConfig()
	var differs []any
	add := func(name string, want, have any) {
		if want != have {
			differs = append(differs, slog.String(name, fmt.Sprintf("%v, not %v", have, want)))
		}
	}
	add("age", want.MaxAge, have.MaxAge)
	add("room messages", want.MaxMsgsPerSubject, have.MaxMsgsPerSubject)
	add("bytes", want.MaxBytes, have.MaxBytes)
	add("duplicates", want.Duplicates, have.Duplicates)
	add("storage", want.Storage, have.Storage)
	if len(differs) > 0 {
		c.log().Warn("chat log: the stream "+streamName+" keeps its own limits", differs...)
	}
}

// serverAtLeast reports whether the server connected to is of that version or
// later.
func serverAtLeast(k *link, major, minor int) bool {
	var ma, mi int
	version := strings.TrimPrefix(k.nc.ConnectedServerVersion(), "v")
	if n, _ := fmt.Sscanf(version, "%d.%d", &ma, &mi); n != 2 {
		return false
	}
	return ma > major || ma == major && mi >= minor
}
