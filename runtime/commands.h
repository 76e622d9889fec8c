/* The commands of `ak`, one a cmd_*.c; main.c lists them in the order that help shows. */
#ifndef AK_COMMANDS_H
#define AK_COMMANDS_H

#include "cli.h"

extern const AkCmd ak_cmd_run;
extern const AkCmd ak_cmd_test;
extern const AkCmd ak_cmd_session;
extern const AkCmd ak_cmd_config;
extern const AkCmd ak_cmd_deploy;
extern const AkCmd ak_cmd_manifest;
extern const AkCmd ak_cmd_serve;
extern const AkCmd ak_cmd_deployment;
extern const AkCmd ak_cmd_trigger;
extern const AkCmd ak_cmd_var;
extern const AkCmd ak_cmd_store;
extern const AkCmd ak_cmd_event;
extern const AkCmd ak_cmd_init;
extern const AkCmd ak_cmd_doctor;
extern const AkCmd ak_cmd_completion;
extern const AkCmd ak_cmd_manual;
extern const AkCmd ak_cmd_worker;

#endif
