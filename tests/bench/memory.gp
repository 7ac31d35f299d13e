# Plots memory over time: gnuplot -c memory.gp DIR
#
# DIR/memory.COMMAND.WHO.tsv has milliseconds, resident and anonymous bytes in
# its first columns.  DIR/plots/memory.svg gets a plot for each command, with
# both programs on one scale; the dashed line is a machine of 512 MB.
dir = ARG1
commands = "mirror-update snapshot-verify publish-snapshot"
set terminal svg size 1000, 960
set output dir . "/plots/memory.svg"
set multiplot layout words(commands), 1
set xlabel "seconds"
set ylabel "MB"
set xrange [0:*]
set yrange [0:*]
set grid
set key outside right
set style data steps
do for [command in commands] {
	table(who) = sprintf("%s/memory.%s.%s.tsv", dir, command, who)
	set title command noenhanced
	plot 512 title "512 MB" dashtype 2 linecolor "gray40", \
		table("aptly") using ($1 / 1000):($2 / 1e6) title "aptly, resident" lw 2, \
		'' using ($1 / 1000):($3 / 1e6) title "aptly, anonymous" lw 2, \
		table("suitefs") using ($1 / 1000):($2 / 1e6) title "suitefs, resident" lw 2, \
		'' using ($1 / 1000):($3 / 1e6) title "suitefs, anonymous" lw 2
}
unset multiplot
