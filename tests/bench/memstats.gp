# Plots tables that --memstats has written.
#
#	gnuplot -c memstats.gp OUTPUT TABLE...
#
# OUTPUT ends in .svg or .png.  Each TABLE becomes a plot, one below the other.
if (ARGC < 2) { print "usage: gnuplot -c memstats.gp OUTPUT TABLE..."; exit status 2 }
tables = ""
do for [i = 2:ARGC] { tables = tables . " " . value("ARG" . i) }
n = words(tables)
if (ARG1[strlen(ARG1) - 2:*] eq "png") {
	set terminal pngcairo size 900, 360 * n
} else {
	set terminal svg size 900, 360 * n
}
set output ARG1
set multiplot layout n, 1
set xlabel "seconds"
set ylabel "MB"
set yrange [0:*]
set grid
set key outside right
set style data steps
do for [table in tables] {
	set title system("basename " . table) noenhanced
	plot table using ($1 / 1000):($2 / 1e6) title "resident" lw 2, \
		'' using ($1 / 1000):($3 / 1e6) title "anonymous" lw 2, \
		'' using ($1 / 1000):($4 / 1e6) title "heap in use" lw 2, \
		'' using ($1 / 1000):($5 / 1e6) title "database" lw 2
}
unset multiplot
