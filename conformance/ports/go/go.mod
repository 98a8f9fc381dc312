module tensorwire/port

go 1.22
