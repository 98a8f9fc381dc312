/* Getting to the harness: C has no call that dials a host by name. */
#ifndef LINK_H
#define LINK_H

/* A socket to "host:port", or -1. */
int link_dial(const char *address);

#endif
