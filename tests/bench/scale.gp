# Plots how things grow: gnuplot -c scale.gp DIR
#
# DIR/scale.dat has blocks, each with a first line that names it: "GROUP: SERIES,
# WHAT, UNIT".  DIR/plots/scale-GROUP.svg gets time above, memory and sizes
# below; on both axes a decade is as long as the next, so that what grows
# linearly has the slope of the dashed line.
dir = ARG1
data = dir . "/scale.dat"
n = int(system(sprintf("grep -c '^\"' %s", data)))
array names[n]
do for [i = 1:n] {
	names[i] = system(sprintf("awk -v n=%d '/^\"/ { k++ } k == n && /^\"/ { gsub(/\"/, \"\"); print }' %s", i, data))
}
group(i) = names[i][1:strstrt(names[i], ":") - 1]
label(i) = names[i][strstrt(names[i], ":") + 2:*]
# The processor's time and mapped pages are in the table alone.
is_time(i) = strstrt(names[i], ", time, s") > 0
is_size(i) = names[i][strlen(names[i]) - 3:*] eq ", MB" && strstrt(names[i], ", resident,") == 0

set grid
set key outside right noenhanced
set style data linespoints
set logscale xy
do for [g in "architectures days publications"] {
	any = 0
	do for [i = 1:n] { any = any + (group(i) eq g) }
	if (any == 0) { continue }
	set terminal svg size 1200, 900
	set output sprintf("%s/plots/scale-%s.svg", dir, g)
	set multiplot layout 2, 1
	do for [part = 1:2] {
		set xlabel g
		set ylabel (part == 1 ? "seconds" : "MB")
		list = ""
		do for [i = 1:n] {
			if (group(i) eq g && (part == 1 ? is_time(i) : is_size(i))) {
				list = list . sprintf(" %d", i)
			}
		}
		if (words(list) > 0) {
			plot for [i in list] data index (i - 1) every ::0 using 1:2 \
				title label(int(i)), \
				(part == 1 ? 0.1 : 10) * x with lines dashtype 2 \
				linecolor "gray" title "linear"
		}
	}
	unset multiplot
	unset output
}
