# The JSON form of each profile's messages: the table "Values" of spec/iut-protocol.md.
package Values;

use v5.14;
use warnings;
use Digest::SHA 'sha256_hex';
use Wire;

use constant {MAX_FRAME => ~0, MAX_BUILT => 1 << 30, MAX_HEX => 4096};
our @PROFILES = (sort(keys %Wire::PREFIX), qw(multipart multipart-typed tp));
my %LEAD = ('len56-tagged' => 'tag', 'grpc-lpm' => 'flag');

# Thrown: {refused => class} or {declined => reason}.

# Hex, or a run of one byte that is judged by its count before it is built.
sub load {
    my ($value, $limit) = @_;
    return pack 'H*', $value if !ref $value;
    my $fill = $value->{fill};
    die {refused => 'oversize.declared'} if $fill->{count} > $limit;
    return run($fill);
}

sub run {
    my ($fill) = @_;
    die {declined => 'limit'} if $fill->{count} > MAX_BUILT;
    return chr($fill->{byte}) x $fill->{count};
}

sub show {
    my ($data) = @_;
    return unpack 'H*', $data if length $data <= MAX_HEX;
    return {length => length $data, sha256 => sha256_hex($data)};
}

sub load_record {
    my ($part, $limit) = @_;
    return [load($part, $limit)] if !ref $part || !exists $part->{typehash};
    my $hash = $part->{typehash};
    die {refused => 'header.field'} if $hash !~ /^\d+$/ || $hash ne sprintf '%u', $hash;
    return [load($part->{bytes}, $limit), $hash];
}

sub show_record {
    my ($data, $hash) = @{$_[0]};
    return defined $hash ? {typehash => "$hash", bytes => show($data)} : show($data);
}

sub show_tp {
    my ($message) = @_;
    die {declined => 'operation'} if $message->{records};    # this port cuts manifests out, and does not read them
    my %header = map { $_ => "$message->{header}{$_}" } keys %{$message->{header}};
    return {header => \%header};
}

sub encode_tp {
    my ($value, $limit) = @_;
    my @records = exists $value->{manifest} || exists $value->{tensors} ? [''] : ();
    my ($class, $bytes) = Wire::encode_tp($value->{header}, \@records, $limit);
    die {declined => 'operation'} if !$class && @records;
    return ($class, $bytes);
}

# A parser, what shows its messages as JSON, and an encoder of that form; nothing for an unknown profile.
sub codec {
    my ($profile, %limits) = @_;
    my ($limit, $parts) = ($limits{max_frame_length} // MAX_FRAME, $limits{max_parts});
    my $typed = $profile eq 'multipart-typed';
    if ($Wire::PREFIX{$profile}) {
        my $lead = $LEAD{$profile};
        return (
            Wire::parse_frame($profile, $limit),
            sub { return {payload => show($_[0]{payload}), $lead ? ($lead => 0 + $_[0]{lead}) : ()} },
            sub { Wire::encode_frame($profile, load($_[0]{payload}, $limit), $limit, $lead ? $_[0]{$lead} : 0) },
        );
    }
    if ($profile =~ /^multipart/) {
        return (
            Wire::parse_multipart($typed, $limit, $parts),
            sub { my ($body, @parts) = map { show_record($_) } @{$_[0]}; return {body => $body, parts => \@parts} },
            sub {
                my @records = map { load_record($_, $limit) } $_[0]{body}, @{$_[0]{parts}};
                return Wire::encode_multipart(\@records, $typed, $limit);
            },
        );
    }
    return (Wire::parse_tp($limit, $parts), \&show_tp, sub { encode_tp($_[0], $limit) }) if $profile eq 'tp';
    return;
}

1;
