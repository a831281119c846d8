# Perl clones its whole interpreter for each thread.
perl -Mthreads -e 'print "ithreads\n"' 2> /dev/null || { echo "no ithreads"; exit 0; }
perl -Mthreads -e '
my %data = map { $_ => [1 .. $_ % 50] } 1 .. 5000;
for my $round (1 .. 3) {
  my @threads = map { my $t = $_; threads->create(sub { my $s = 0; $s += @{$data{$_}} * $t for keys %data; $s }) } 1 .. 4;
  print join(" ", map { $_->join } @threads), "\n";
}
'
