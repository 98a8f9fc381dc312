# The lines of the link, with JSON::PP.
package Lines;

use v5.14;
use warnings;
use JSON::PP ();

my $json = JSON::PP->new->utf8->canonical;

# JSON::PP takes more than a second for each MiB of a string: long ones are lifted out of the line, and put back after.
sub read_line {
    my ($line) = @_;
    my @long;
    $line =~ s/"((?:[^"\\]++|\\.)*+)"/length $1 > 256 && push(@long, $1) ? qq("\\u0001$#long") : qq("$1")/ge;
    my $back;
    $back = sub {    # in place
        for (@_) {
            if (ref eq 'HASH') { $back->(values %$_) }
            elsif (ref eq 'ARRAY') { $back->(@$_) }
            elsif (defined && !ref && /^\x01(\d+)$/) { $_ = $long[$1] }
        }
    };
    $back->(my $request = $json->decode($line));
    return $request;
}

sub write_line { return $json->encode($_[0]) . "\n" }

1;
