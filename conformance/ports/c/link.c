#include "link.h"

#include <netdb.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int link_dial(const char *address) {
    char host[256];
    const char *colon = address == NULL ? NULL : strrchr(address, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (colon == NULL || (size_t)(colon - address) >= sizeof host) return -1;
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) return -1;
    int link = -1;
    for (struct addrinfo *at = found; at != NULL && link < 0; at = at->ai_next) {
        link = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (link >= 0 && connect(link, at->ai_addr, at->ai_addrlen) != 0) {
            close(link);
            link = -1;
        }
    }
    freeaddrinfo(found);
    return link;
}
