#!/usr/bin/perl
# Versions in dpkg's order, and packages whose dependencies say it.
#
#	versions.pl DIR SEED <VERSIONS
#
# Takes versions, one a line, adds generated ones, sorts them as dpkg does and
# makes DIR/true/Packages and DIR/false/Packages: for every two neighbours A and
# B a package of version A and some that depend on it in comparison with B, all
# of which are met in the one and none in the other.
use strict;
use warnings;
use Dpkg::Version;

my ($dir, $seed) = @ARGV;
srand($seed);

my @alphabet = ('0' .. '9', '0', '1', 'a', 'b', 'z', 'A', 'Z', '~', '~', '+',
	'.', '.', '-');
sub generated {
	my $v = int(rand 10);
	$v .= $alphabet[rand @alphabet] for 1 .. int(rand 8);
	$v = int(rand 3) . ":$v" if rand() < 0.2;
	return $v;
}

my %seen;
while (<STDIN>) {
	chomp;
	$seen{$_} = 1;
}
$seen{generated()} = 1 for 1 .. 8000;
# What differs in zeros alone, or by an empty revision, is equal.
for my $v (sort keys %seen) {
	$seen{"0:$v"} = 1 if $v !~ /:/ && rand() < 0.1;
	$seen{"$v-0"} = 1 if $v !~ /-/ && rand() < 0.1;
	$seen{$v =~ s/(\d+)$/00$1/r} = 1 if rand() < 0.1;
}
my @versions = sort { $a <=> $b }
	grep { $_->is_valid() } map { Dpkg::Version->new($_) } sort keys %seen;

my $number = 0;
sub package_of {
	my ($name, $version, $depends) = @_;
	$number++;
	return "Package: $name\nVersion: $version\nArchitecture: all\n" .
		($depends ? "Depends: $depends\n" : '') .
		"Filename: p/$number.deb\nSize: 1\n" .
		sprintf("SHA256: %064x\n\n", $number);
}

# By order: what holds of A and B, and what does not.
my %ops = (-1 => [['<<', '<='], ['=', '>=', '>>']],
	0 => [['<=', '=', '>='], ['<<', '>>']],
	1 => [['>=', '>>'], ['<<', '<=', '=']]);
mkdir $dir;
mkdir "$dir/$_" for 'true', 'false';
open my $true, '>', "$dir/true/Packages" or die;
open my $false, '>', "$dir/false/Packages" or die;
my ($equal, $rows) = (0, 0);
for my $i (0 .. $#versions - 1) {
	# Half of them the other way round.
	my ($x, $y) = @versions[$i, $i + 1];
	($x, $y) = ($y, $x) if $i % 2;
	my $order = $x <=> $y;
	$equal++ if $order == 0;
	my ($met, $unmet) = map {
		join ', ', map { "p$i ($_ $y)" } @$_ } @{$ops{$order}};
	$rows += @{$ops{$order}[1]};
	print $true package_of("p$i", $x), package_of("q$i", 1, $met);
	print $false package_of("p$i", $x), package_of("q$i", 1, $unmet);
}
close $true or die;
close $false or die;
print scalar(@versions), " $equal $rows\n";
