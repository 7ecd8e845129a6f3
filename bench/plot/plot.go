// Package plot draws what a bench run measured, as SVG.
package plot

import (
	"bytes"
	"errors"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"parley/bench"
)

// The sizes of a picture, in points.
const (
	width      = 720
	margin     = 14
	tallPanel  = 300 // latency by percentile
	smallPanel = 165 // what happened over time
	between    = 14
)

// Draw writes one SVG picture of the reports: above the latency by percentile
// (logarithmic on both axes, towards 100 %), below rate and 99th percentile over
// time. Several reports are several curves; those of one target under the same
// conditions, as the rounds of a comparison are, have the same colour. The same reports
// give the same bytes.
func Draw(w io.Writer, reports ...*bench.Report) error {
	if len(reports) == 0 {
		return errors.New("plot: no report to draw")
	}
	groups, common := group(reports)
	h := newHeader(groups, common)
	panels := []*plot.Plot{percentiles(groups), rates(groups), latencies(groups)}
	heights := []vg.Length{tallPanel, smallPanel, smallPanel}

	total := h.height() + 2*margin
	for _, height := range heights {
		total += height + between
	}
	svg := vgsvg.New(width, total)
	c := draw.New(svg)
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	h.draw(c)
	drawPanels(c, c.Max.Y-h.height(), panels, heights)

	var all bytes.Buffer
	if _, err := svg.WriteTo(&all); err != nil {
		return err
	}
	_, err := w.Write(withFallback(all.Bytes()))
	return err
}

// drawPanels draws the panels from top down, their data exactly below each other.
func drawPanels(c draw.Canvas, top vg.Length, panels []*plot.Plot, heights []vg.Length) {
	places := make([]draw.Canvas, len(panels))
	var left, right vg.Length
	for i, p := range panels {
		top -= between
		places[i] = c
		places[i].Max.Y = top
		top -= heights[i]
		places[i].Min.Y = top
		data := p.DataCanvas(places[i])
		left = max(left, data.Min.X-c.Min.X)
		right = max(right, c.Max.X-data.Max.X)
	}
	for i, p := range panels {
		data := p.DataCanvas(places[i])
		p.Draw(draw.Crop(places[i], left-(data.Min.X-c.Min.X), (c.Max.X-data.Max.X)-right, 0, 0))
	}
}

// withFallback names fonts of the same widths for where there is no Liberation.
func withFallback(svg []byte) []byte {
	family := []byte("font-family:Liberation Sans;")
	return bytes.ReplaceAll(svg, family, []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
}
