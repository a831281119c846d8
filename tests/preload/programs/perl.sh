# Hashes, sorting, regular expressions, sprintf and fork.
perl -e '
use strict; use warnings;
my %count;
my $seed = 1;
for my $i (1 .. 60000) {
  $seed = ($seed * 1103515245 + 12345) % 2147483648;
  my $word = join "", map { chr(97 + ($seed >> $_) % 26) } (3, 7, 11, 15);
  push @{$count{$word}}, $i;
}
my @words = sort { @{$count{$b}} <=> @{$count{$a}} || $a cmp $b } keys %count;
printf "%d words\n", scalar @words;
printf "%s %d\n", $_, scalar @{$count{$_}} for @words[0 .. 20];
my $text = join " ", @words;
my $n = () = $text =~ /(\w)\w\1/g;
print "$n\n";
(my $other = $text) =~ s/([aeiou]+)/<$1>/g;
print length($other), "\n", unpack("%32C*", $other), "\n";
for my $child (1 .. 8) {
  my $pid = open(my $from, "-|") // die;
  if (!$pid) { my @list = map { $_ x $child } @words[0 .. 2000]; print unpack("%32C*", join ",", @list), "\n"; exit 0; }
  print <$from>;
  close $from;
}
'
