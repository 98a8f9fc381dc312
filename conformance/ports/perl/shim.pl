#!/usr/bin/env perl
# Speaks the IUT protocol (spec/iut-protocol.md, level 1) for the codecs beside it. README.md says how to start it.
use v5.14;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IO::Socket::INET;
use JSON::PP ();
use Lines;
use Values;
use Wire;

my %STEPS = (decode => {map { $_ => 1 } qw(feed feed_fill eof reset)}, encode => {map { $_ => 1 } qw(encode reset)});

sub run_case {
    my ($request) = @_;
    my %limits = %{$request->{limits} // {}};
    for my $name (keys %limits) {
        my $known = $name eq 'max_frame_length' || $name eq 'max_parts';
        die {declined => 'limit'} if !$known || $limits{$name} ne sprintf '%u', $limits{$name};    # 64 bits hold it
    }
    my ($parse, $show, $encode) = Values::codec($request->{profile}, %limits) or die {declined => 'profile'};
    my $known = $STEPS{$request->{role}} or die {declined => 'role'};
    my ($decoder, $told, @lists) = Wire::Decoder->new($parse);
    for my $step (@{$request->{steps}}) {
        my ($kind, @others) = keys %$step;
        die {declined => 'step'} if @others || !$known->{$kind // ''};
        my ($value, @events) = $step->{$kind};
        if ($kind eq 'reset') {
            ($decoder, $told) = Wire::Decoder->new($parse);
        }
        elsif ($kind eq 'encode') {
            my ($class, $bytes) = eval { $encode->($value) };
            if (ref $@ && $@->{refused}) { $class = $@->{refused} }
            elsif ($@) { die $@ }
            my $shown = $class ? undef : Values::show($bytes);
            push @events, $class ? {event => 'error', class => $class, at => '0', fatal => JSON::PP::false}
                : {event => 'bytes', ref $shown ? %$shown : (hex => $shown)};
        }
        elsif ($kind eq 'eof') {
            push @events, {event => 'end'} if $decoder->end;
        }
        else {    # one feed is one read
            my $chunk = $kind eq 'feed' ? pack('H*', $value) : Values::run($value);
            push @events, map { {event => 'message', value => $show->($_)} } $decoder->push($chunk);
        }
        if (my $error = $told ? undef : $decoder->error) {    # an error is told once
            push @events, {event => 'error', class => $error->{class}, at => "$error->{at}", fatal => JSON::PP::true};
            $told = 1;
        }
        push @lists, \@events;
    }
    return \@lists;
}

sub answer {
    my ($request) = @_;
    my $lists = eval { $request->{op} eq 'case' ? run_case($request) : die {declined => 'operation'} };
    return {op => 'result', seq => $request->{seq}, steps => $lists} if $lists;
    return {op => 'declined', seq => $request->{seq}, reason => $@->{declined}} if ref $@ eq 'HASH';
    return {op => 'errored', seq => $request->{seq}, text => "$@"};
}

sub serve {
    my ($in, $out) = @_;
    my $declared = {roles => ['decode', 'encode'], max_frame_length => '' . Values::MAX_FRAME};
    my %profiles = map { $_ => $declared } @Values::PROFILES;
    my $send = sub { print $out Lines::write_line($_[0]); $out->flush };
    $send->({
        op => 'hello', protocol => 1, token => $ENV{TENSORWIRE_TOKEN} // '', profiles => \%profiles,
        iut => {name => 'tensorwire-perl', version => '1', language => 'perl'},
        capabilities => [], error_granularity => 'class',
    });
    while (my $line = <$in>) {
        my $request = Lines::read_line($line);
        return if $request->{op} eq 'bye';
        $send->(answer($request)) if $request->{op} ne 'welcome';
    }
}

if (grep { $_ eq '--stdio' } @ARGV) {
    serve(\*STDIN, \*STDOUT);
}
else {
    my $link = IO::Socket::INET->new(PeerAddr => $ENV{TENSORWIRE_ADDR}) or die "no connection to the harness: $@\n";
    serve($link, $link);
}
