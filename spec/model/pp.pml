/*
 * A driver and two stages behind it, in a chain: which result answers which call, also when somebody is lost. A message is one
 * step here; that a header is never left without its payload is what tp.pml shows. README.md says which rule and which code
 * each part stands for. The switches are mutations: each takes one rule away, and must break the claim that is named behind it.
 *
 *   RESULT_TWICE     stage 1 is lost, and answered calls get an error result too     r[pp.result.exactly-one]         twice
 *   NO_ERROR_RESULT  stage 1 is lost, and nobody is told                             r[pp.result.exactly-one]         stranded
 *   REFUSED_AT_ONCE  the error result of a refused call overtakes those before it    r[pp.acceptance.ahead]           ahead
 *   REPEAT_ANSWERED  a request that came before is answered again                    r[pp-session.call-id.duplicate]  twice
 *   STALE_ACCEPTED   the driver does not look at the epoch of a result               r[pp.acceptance.stale-epoch]     stale
 *   NO_DRAIN         at a hard cut the driver forgets what is in flight              r[pp.acceptance.hard-cut]        unanswered
 *   NO_DEADLINE      nobody has a deadline                                           r[pp.acceptance.exactly-one]     deadlock
 */
#ifndef CALLS
#define CALLS 3
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#define WINDOW 2

mtype = { INFER, SHUTDOWN };

/* Lane 0 joins the driver and stage 0, lane 1 the two stages. Each has room for all that the window allows, and a repeat. */
chan request[2] = [WINDOW + 2] of { mtype, byte /* call_id */, bit /* cache_epoch */ };
chan result[2] = [WINDOW + 1] of { byte, bit };
bool closed[2]; /* by either end; what is under way can be read first */
bool reset[2];  /* cut: what is under way may be lost */
bool silent[2]; /* carries nothing more, and tells neither end */
bool driver_killed, stage_killed[2];

/* For the claims. */
byte faults;              /* that have happened */
byte ended;               /* processes */
byte received[CALLS + 1]; /* results of a call that reached the driver */
byte ends[CALLS + 1];     /* ends that a call came to: accepted, stale, or lost with the connection */
bool stranded, twice, ahead, stale, unanswered, missing;

#define readable(queue, lane) (!silent[lane] && nempty(queue[lane]))
#define lost(queue, lane) (!silent[lane] && closed[lane] && (empty(queue[lane]) || reset[lane]))

inline ask(lane, kind, call, epoch) {
  if
  :: !closed[lane] -> request[lane]!kind, call, epoch
  :: closed[lane] /* whoever writes learns of it as a reader */
  fi
}

inline answer(lane, call, epoch) {
  if
  :: !closed[lane] -> result[lane]!call, epoch
  :: closed[lane]
  fi
}

/* ---- the driver ---- */

/* Judges a result: packages/pp-contract/src/acceptance.ts in small. Calls are numbered from 1. */
inline judge(call) {
  received[call]++;
  twice = (received[call] > 1);
  assert(!twice);
  if
#ifndef STALE_ACCEPTED
  :: came != epoch -> printf("driver: drops the result of call %d, it is stale\n", call);
    if
    :: in_flight[call] -> in_flight[call] = false; flying--; ends[call]++
    :: else
    fi
  :: came == epoch && !in_flight[call] && call <= sent -> printf("driver: drops the result of call %d, it is late\n", call)
  :: came == epoch && in_flight[call] ->
#else
  :: !in_flight[call] -> printf("driver: drops the result of call %d, it is late\n", call)
  :: in_flight[call] ->
#endif
    due = 1;
    do
    :: due < call && !(in_flight[due] && epoch_of[due] == came) -> due++
    :: else -> break
    od;
    ahead = (due < call);
    if
    :: ahead -> printf("driver: expected the result of call %d, that of call %d came\n", due, call); assert(!ahead)
    :: else
    fi;
    due = 0;
    printf("driver: accepts the result of call %d\n", call);
    stale = (came != epoch);
    assert(!stale);
    in_flight[call] = false; flying--; ends[call]++
  fi
}

/* No result can come any more: a local error for each call in flight. */
inline abandon() {
  id = 1;
  do
  :: id <= CALLS && in_flight[id] -> printf("driver: call %d ends with a local error\n", id);
    missing = (faults == 0);
    assert(!missing);
    in_flight[id] = false; ends[id]++; id++
  :: id <= CALLS && !in_flight[id] -> id++
  :: id > CALLS -> break
  od
}

active proctype Driver() {
  byte sent, flying, id, due;
  bit epoch, epoch_of[CALLS + 1], came;
  bool in_flight[CALLS + 1], cut, repeated;
  {
    do
    :: atomic { sent < CALLS && flying < WINDOW && !closed[0] ->
        sent++; flying++; in_flight[sent] = true; epoch_of[sent] = epoch;
        ask(0, INFER, sent, epoch);
        printf("driver: sends call %d of epoch %d\n", sent, epoch)
      }
    :: atomic { sent > 0 && !repeated && !closed[0] && epoch_of[sent] == epoch ->
        repeated = true; ask(0, INFER, sent, epoch); printf("driver: repeats call %d\n", sent)
      }
    :: atomic { sent > 0 && !cut -> printf("driver: a hard cut\n");
        cut = true; epoch = 1;
#ifdef NO_DRAIN
        id = 1;
        do
        :: id <= CALLS -> in_flight[id] = false; id++
        :: id > CALLS -> break
        od;
        id = 0; flying = 0
#endif
      }
    :: atomic { readable(result, 0) -> result[0]?id, came; judge(id); id = 0; came = 0 }
    :: atomic { lost(result, 0) -> printf("driver: stage 0 is gone\n"); break }
#ifndef NO_DEADLINE
    :: atomic { silent[0] -> printf("driver: nothing came, the deadline is over\n"); break }
#endif
    :: atomic { sent == CALLS && flying == 0 -> printf("driver: SHUTDOWN\n"); ask(0, SHUTDOWN, 0, 0); goto done }
    :: timeout && flying > 0 && !silent[0] -> printf("driver: waits, and nothing will ever come\n");
      stranded = true;
      assert(!stranded)
    od;
done:
    atomic { abandon() }
    /* Every INFER that was sent came to exactly one end. */
    atomic {
      id = 1;
      do
      :: id <= sent -> unanswered = (ends[id] != 1);
        if
        :: unanswered -> printf("driver: call %d came to %d ends\n", id, ends[id]); assert(!unanswered)
        :: else -> id++
        fi
      :: id > sent -> break
      od
    }
  } unless { driver_killed };
  atomic { closed[0] = true; ended++ }
}

/* ---- stage 0: passes calls on, and brings results back in the order of their calls ---- */

active proctype Stage0() {
  /* The calls that have no result yet, oldest first: passed on, or refused here. */
  chan turns = [WINDOW + 1] of { byte, bit, bool };
  mtype kind;
  byte id, call, last;
  bit epoch, came;
  bool refused, leaving;
  {
    do
    :: atomic { readable(request, 0) && !leaving -> request[0]?kind, id, came;
        if
        :: kind == SHUTDOWN -> leaving = true
#ifndef REPEAT_ANSWERED
        :: kind == INFER && id == last -> printf("stage 0: drops call %d, it is a duplicate\n", id)
        :: kind == INFER && id != last ->
#else
        :: kind == INFER ->
#endif
          assert(id >= last);
          last = id;
          if
          :: printf("stage 0: passes call %d on\n", id); ask(1, INFER, id, came); turns!id, came, false
          :: printf("stage 0: refuses call %d\n", id);
#ifdef REFUSED_AT_ONCE
            answer(0, id, came)
#else
            turns!id, came, true
#endif
          fi
        fi;
        kind = 0; id = 0; came = 0
      }
    :: atomic { turns?[call, epoch, true] ->
        turns?call, epoch, refused; printf("stage 0: error result of call %d\n", call); answer(0, call, epoch);
        call = 0; epoch = 0; refused = false
      }
    :: atomic { turns?[call, epoch, false] && readable(result, 1) ->
        result[1]?id, came; turns?call, epoch, refused; assert(id == call);
        printf("stage 0: result of call %d\n", call); answer(0, call, epoch);
        call = 0; epoch = 0; id = 0; came = 0
      }
    :: atomic { turns?[call, epoch, false] && lost(result, 1) -> printf("stage 0: stage 1 is gone\n"); break }
#ifndef NO_DEADLINE
    :: atomic { turns?[call, epoch, false] && silent[1] -> printf("stage 0: nothing came from stage 1, the deadline is over\n"); break }
    :: atomic { silent[0] -> printf("stage 0: nothing came from the driver, the deadline is over\n"); goto done }
#endif
    :: atomic { lost(request, 0) && !leaving -> printf("stage 0: the driver is gone\n"); goto done }
    :: atomic { leaving && empty(turns) -> ask(1, SHUTDOWN, 0, 0); goto done }
    :: timeout && nempty(turns) && !silent[1] -> printf("stage 0: waits, and nothing will ever come\n");
      stranded = true;
      assert(!stranded)
    od;
    /* Stage 1 is lost: an error result for each call that it took along, and then an end. */
#ifdef NO_ERROR_RESULT
    closed[0] || silent[0];
#else
    do
    :: atomic { turns?call, epoch, refused -> printf("stage 0: error result of call %d\n", call); answer(0, call, epoch) }
    :: atomic { empty(turns) -> break }
    od;
#ifdef RESULT_TWICE
    atomic {
      if
      :: last > 0 -> printf("stage 0: error result of call %d\n", last); answer(0, last, epoch)
      :: else
      fi
    }
#endif
#endif
done: skip
  } unless { stage_killed[0] };
  atomic { closed[0] = true; closed[1] = true; ended++ }
}

/* ---- stage 1: does the calls ---- */

active proctype Stage1() {
  mtype kind;
  byte id;
  bit came;
  {
    do
    :: atomic { readable(request, 1) -> request[1]?kind, id, came }
      if
      :: atomic { kind == INFER -> answer(1, id, came); printf("stage 1: result of call %d\n", id); kind = 0; id = 0; came = 0 }
      :: atomic { kind == SHUTDOWN -> goto done }
      fi
    :: atomic { lost(request, 1) -> printf("stage 1: stage 0 is gone\n"); goto done }
#ifndef NO_DEADLINE
    :: atomic { silent[1] -> printf("stage 1: nothing came from stage 0, the deadline is over\n"); goto done }
#endif
    od;
done: skip
  } unless { stage_killed[1] };
  atomic { closed[1] = true; ended++ }
}

/* ---- what goes wrong ---- */

active proctype Faults() {
  do
  :: atomic { faults < FAULTS -> faults++;
      if
      :: driver_killed = true; printf("fault: the driver is killed\n")
      :: stage_killed[0] = true; printf("fault: stage 0 is killed\n")
      :: stage_killed[1] = true; printf("fault: stage 1 is killed\n")
      :: closed[0] = true; reset[0] = true; printf("fault: the connection of driver and stage 0 is cut\n")
      :: closed[1] = true; reset[1] = true; printf("fault: the connection of the stages is cut\n")
      :: silent[0] = true; printf("fault: the connection of driver and stage 0 goes silent\n")
      :: silent[1] = true; printf("fault: the connection of the stages goes silent\n")
      fi
    }
  :: break
  od
}
