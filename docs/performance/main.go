// Command performance draws a chart of how time and memory grow, from the
// output of the benchmarks on standard input, as SVG to standard output. It is
// a module of its own, so that what it draws with is no dependency of the
// program.
package main

import (
	"bufio"
	"fmt"
	"image/color"
	"io"
	"log"
	"os"
	"regexp"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// series is a line of the chart: what a benchmark measures for each size,
// times the size.
type series struct {
	benchmark, unit string // "BenchmarkRead/rows=", "cpu-ns/row"
	title           string
	scale           float64 // to what the axis shows
	colour          color.Color
	points          plotter.XYs
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(in io.Reader, out io.Writer) error {
	blue, orange := color.RGBA{9, 105, 218, 255}, color.RGBA{188, 76, 0, 255}
	time := []*series{
		{benchmark: "BenchmarkRead/rows=", unit: "cpu-ns/row", title: "rows read (CPU time)", scale: 1e-9, colour: blue},
		{benchmark: "BenchmarkChanges/changes=", unit: "ns/change", title: "changes made", scale: 1e-9, colour: orange},
	}
	memory := []*series{
		{benchmark: "BenchmarkRead/rows=", unit: "peak-B/row", title: "rows read (most in use)", scale: 1e-6, colour: blue},
		{benchmark: "BenchmarkChanges/changes=", unit: "B/change", title: "changes made (allocated in all)", scale: 1e-6, colour: orange},
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		for _, s := range append(time, memory...) {
			s.add(lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	left, err := chart("Time", "seconds", time)
	if err != nil {
		return err
	}
	right, err := chart("Memory", "megabytes", memory)
	if err != nil {
		return err
	}
	const width, height = 28 * vg.Centimeter, 11 * vg.Centimeter
	canvas := vgsvg.New(width, height)
	all := draw.New(canvas)
	left.Draw(draw.Crop(all, 0, -width/2, 0, 0))
	right.Draw(draw.Crop(all, width/2, 0, 0, 0))
	_, err = canvas.WriteTo(out)
	return err
}

var size = regexp.MustCompile(`=([0-9]+)(-[0-9]+)?\s`)

// add takes the point of a line of go test's, if it is of this series.
func (s *series) add(line string) {
	found := size.FindStringSubmatch(line)
	if found == nil || !strings.HasPrefix(line, s.benchmark) {
		return
	}
	fields := strings.Fields(line)
	for i, unit := range fields {
		if unit != s.unit || i == 0 {
			continue
		}
		n, sizeErr := strconv.ParseFloat(found[1], 64)
		value, err := strconv.ParseFloat(fields[i-1], 64)
		if sizeErr == nil && err == nil && n > 0 && value > 0 {
			s.points = append(s.points, plotter.XY{X: n, Y: n * value * s.scale})
		}
	}
}

// chart is a picture with both axes logarithmic: what grows linearly is a
// straight line with the slope of the dotted one.
func chart(title, unit string, all []*series) (*plot.Plot, error) {
	p := plot.New()
	p.BackgroundColor = color.White // it is seen on dark pages, too
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "rows or changes", unit
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	for _, s := range all {
		if len(s.points) == 0 {
			return nil, fmt.Errorf("no figures of %s in %s", s.benchmark, s.unit)
		}
		line, points, err := plotter.NewLinePoints(s.points)
		if err != nil {
			return nil, err
		}
		line.Color, points.Color, points.Shape = s.colour, s.colour, draw.CircleGlyph{}
		last := s.points[len(s.points)-1]
		slope, err := plotter.NewLine(plotter.XYs{{X: s.points[0].X, Y: last.Y * s.points[0].X / last.X}, last})
		if err != nil {
			return nil, err
		}
		slope.Color, slope.Dashes = s.colour, []vg.Length{vg.Points(1), vg.Points(3)}
		p.Add(line, points, slope)
		p.Legend.Add(s.title, line, points)
	}
	return p, nil
}
