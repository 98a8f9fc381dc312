# Cuts byte streams into messages and back, as in spec/framing.md and spec/tp-control.md. It does no I/O.
package Wire;

use v5.14;
use warnings;

# Bytes of lead and of length.
our %PREFIX = (len32 => [0, 4], len64 => [0, 8], 'len56-tagged' => [1, 7], 'grpc-lpm' => [1, 4]);
our @IDS = qw(call_id chunk_index control_epoch cache_epoch);
our @ACTIONS = qw(NOOP INFER SHUTDOWN);
use constant {TYPED => 1 << 63, HEADER => 40};

# A parser takes a reference to the bytes and the place where a message begins, and returns one of
#   message => $value, $size
#   more    => $class          the error if the stream ends here
#   refused => $class, $at     counted from the place

# Undefined, or the class of the refusal.
sub check_lead {
    my ($profile, $lead) = @_;
    if ($profile eq 'grpc-lpm') { return $lead eq '0' ? undef : $lead eq '1' ? 'codec.unsupported' : 'flags.reserved' }
    return $lead =~ /^\d{1,3}$/ && $lead < 256**$PREFIX{$profile}[0] ? undef : 'header.field';
}

sub parse_frame {
    my ($profile, $limit) = @_;
    my ($lead_size, $length_size) = @{$PREFIX{$profile}};
    my $size = $lead_size + $length_size;
    return sub {
        my ($data, $from) = @_;
        my $lead = $lead_size ? ord substr $$data, $from, 1 : 0;
        my $class = check_lead($profile, $lead);
        return refused => $class, 1 if $class;    # before the length: its own byte is enough
        my $there = length($$data) - $from - $size;
        return more => 'eof.in-prefix' if $there < 0;
        my $word = substr $$data, $from + $lead_size, $length_size;
        my $length = unpack 'Q>', "\0" x (8 - $length_size) . $word;
        return refused => 'oversize.declared', $size if $length > $limit;
        return more => 'eof.in-body' if $length > $there;
        return message => {lead => $lead, payload => substr $$data, $from + $size, $length}, $size + $length;
    };
}

# Returns (class of the refusal) or (undef, bytes), as all encoders do.
sub encode_frame {
    my ($profile, $payload, $limit, $lead) = @_;
    my ($lead_size, $length_size) = @{$PREFIX{$profile}};
    $lead //= 0;
    my $class = check_lead($profile, $lead);
    return $class if $class;
    return 'oversize.declared' if length $payload > $limit || length $payload >= 256**$length_size;
    return undef, pack("C$lead_size", $lead) . substr(pack('Q>', length $payload), -$length_size) . $payload;
}

# Records: [data, type hash or undef], the body first.
sub parse_multipart {
    my ($typed, $limit, $max_parts) = @_;
    my $frame = parse_frame('len64', $limit);
    return sub {
        my ($kind, $message, $size) = $frame->(@_);
        return ($kind, $message, $size) if $kind ne 'message';
        my ($class, $records) = split_records($message->{payload}, $typed, $max_parts);
        return $class ? (refused => $class, $size) : (message => $records, $size);    # judged when the frame is whole
    };
}

sub split_records {
    my ($payload, $typed, $max_parts) = @_;
    my ($at, @records) = 0;
    while ($at < length $payload || !@records) {
        return 'oversize.declared' if defined $max_parts && @records > $max_parts;
        return 'eof.in-prefix' if length($payload) - $at < 8;
        my ($length, $hash) = unpack 'Q>', substr $payload, $at, 8;
        $at += 8;
        if ($typed && $length & TYPED) {
            return 'eof.in-header' if length($payload) - $at < 8;
            ($length, $hash) = ($length ^ TYPED, unpack 'Q>', substr $payload, $at, 8);
            $at += 8;
        }
        return 'eof.in-body' if $length > length($payload) - $at;
        push @records, [substr($payload, $at, $length), $hash];
        $at += $length;
    }
    return undef, \@records;
}

sub encode_multipart {
    my ($records, $typed, $limit) = @_;
    my $payload = '';
    for my $record (@$records) {
        my ($data, $hash) = @$record;
        return 'header.field' if defined $hash && !$typed;
        $payload .= defined $hash ? pack 'Q>Q>', length($data) | TYPED, $hash : pack 'Q>', length $data;
        $payload .= $data;
    }
    return encode_frame('len64', $payload, $limit);
}

# Messages: {header => {…}, records => [manifest, tensors]}, no records but with INFER.
sub parse_tp {
    my ($limit, $max_parts) = @_;
    my $payload = parse_multipart(0, $limit, $max_parts);
    return sub {
        my ($data, $from) = @_;
        return more => 'eof.in-header' if length($$data) - $from < HEADER;
        my (%header, $action);
        (@header{@IDS}, $action) = unpack 'q<5', substr $$data, $from, HEADER;
        return refused => 'header.field', HEADER if $action < 0 || $action > $#ACTIONS;
        $header{action} = $ACTIONS[$action];
        return message => {header => \%header}, HEADER if $header{action} ne 'INFER';
        my ($kind, $what, $size) = $payload->($data, $from + HEADER);
        return ($kind, $what) if $kind eq 'more';
        return ($kind, $kind eq 'refused' ? $what : {header => \%header, records => $what}, $size + HEADER);
    };
}

sub encode_tp {
    my ($header, $records, $limit) = @_;
    my ($action) = grep { $ACTIONS[$_] eq $header->{action} } 0 .. $#ACTIONS;
    return 'header.field' if !defined $action || ($header->{action} eq 'INFER') != !!@$records;
    for my $id (@$header{@IDS}) { return 'header.field' if $id !~ /^-?\d+$/ || $id ne sprintf '%d', $id }
    my $bytes = pack 'q<5', @$header{@IDS}, $action;
    return undef, $bytes if !@$records;
    my ($class, $payload) = encode_multipart($records, 0, $limit);
    return $class ? $class : (undef, $bytes . $payload);
}

package Wire::Decoder;

# The stream of one connection. The first error ends it for good.
sub new {
    my ($class, $parse) = @_;
    return bless {parse => $parse, buffer => '', offset => 0, eof => undef, error => undef}, $class;
}

sub error { return $_[0]{error} }

# The messages that the chunk completed. Look at error afterwards.
sub push {
    my ($self, $chunk) = @_;
    return if $self->{error};
    $self->{buffer} .= $chunk;
    my ($at, @messages) = 0;
    while ($at < length $self->{buffer}) {
        my ($kind, $what, $size) = $self->{parse}->(\$self->{buffer}, $at);
        if ($kind eq 'more') { $self->{eof} = $what; last }
        if ($kind eq 'refused') { $self->{error} = {class => $what, at => $self->{offset} + $at + $size}; last }
        push @messages, $what;
        $at += $size;
    }
    $self->{offset} += $at;
    substr $self->{buffer}, 0, $at, '';    # once for each read, not for each message: linear in the bytes
    return @messages;
}

# True if the stream ended cleanly, between two messages. Else look at error.
sub end {
    my ($self) = @_;
    my $left = length $self->{buffer};
    $self->{error} //= {class => $self->{eof}, at => $self->{offset} + $left} if $left;
    return !$self->{error};
}

1;
