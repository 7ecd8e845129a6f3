package simulate

import (
	"math/rand/v2"
	"time"
)

// A Path is the way between a host and a server. The zero Path takes no time and loses
// nothing.
type Path struct {
	There, Back time.Duration // the least delays
	Jitter      time.Duration // the mean of an exponential delay more, each way
	Loss        float64       // of each packet
	Spike       time.Duration // a delay more, of the packets
	Spikes      float64       // of this share
}

// Delays draws the delays of one exchange; ok is false if a packet was lost.
func (p *Path) Delays(random *rand.Rand) (there, back time.Duration, ok bool) {
	there, ok1 := p.delay(p.There, random)
	back, ok2 := p.delay(p.Back, random)
	return there, back, ok1 && ok2
}

func (p *Path) delay(least time.Duration, random *rand.Rand) (time.Duration, bool) {
	d := least + time.Duration(random.ExpFloat64()*float64(p.Jitter))
	if random.Float64() < p.Spikes {
		d += p.Spike
	}
	return d, random.Float64() >= p.Loss
}
