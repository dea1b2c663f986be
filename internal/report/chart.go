package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"xc-group-sync/internal/groupsync"
)

// charts draws a run that did not go smoothly: the outcomes of operations, and
// why attempts failed. Nothing in them is text from outside.
func (d *markdown) charts() {
	byStatus := map[string]int{}
	for i := range d.Outcome.Results {
		byStatus[string(d.Outcome.Results[i].Status)]++
	}
	if byStatus[string(groupsync.Done)] < len(d.Outcome.Results) {
		d.bars("What became of the operations", "#0969da", byStatus)
	}
	d.bars("Attempts that failed, by cause", "#bc4c00", d.Outcome.Retry.ByCause)
}

// bars draws counts as Mermaid, the longest bar first. The colours are legible
// on a light and on a dark page; those of a theme are not, nor are all of a
// pie's in every version.
func (d *markdown) bars(title, colour string, counts map[string]int) {
	if len(counts) == 0 {
		return
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var labels, values []string
	for _, name := range names {
		labels = append(labels, fmt.Sprintf("%q", fmt.Sprintf("%s (%d)", name, counts[name])))
		values = append(values, fmt.Sprint(counts[name]))
	}
	d.line("```mermaid")
	d.line(`%%%%{init: {"xyChart": {"width": 640, "height": %d, "chartOrientation": "horizontal", "titleFontSize": 16, `+
		`"yAxis": {"showLabel": false, "showTick": false, "showTitle": false, "showAxisLine": false}, "xAxis": {"showTick": false}}, `+
		`"themeVariables": {"xyChart": {"backgroundColor": "transparent", "plotColorPalette": "%s"}}}}%%%%`, 60+30*len(names), colour)
	d.line("xychart-beta")
	d.line("    title %q", title)
	d.line("    x-axis [%s]", strings.Join(labels, ", "))
	d.line("    y-axis 0 --> %d", counts[names[0]])
	d.line("    bar [%s]", strings.Join(values, ", "))
	d.paragraph("```")
}
