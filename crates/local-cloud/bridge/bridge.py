"""Adapts LocalStack (community, 2026.3) to what this project needs of AWS.

LocalStack executes the files of `$FILESYSTEM_ROOT/etc/localstack/init/start.d/` in its own process before it takes
requests; a failure here is only logged, so whoever starts LocalStack must check `GET /_localstack/init`.

It adds services that LocalStack lacks:
* those of `BRIDGE_SERVICES` ("ecs=http://127.0.0.1:1234,redshift-data=http://...") are forwarded as they come;
* glue is answered by moto's backend, which LocalStack already ships for other services.

And it repairs these faults, each named at the function that repairs it.
"""

import json
import logging
import os

from localstack.aws.forwarder import AwsRequestProxy
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.plugins import SERVICE_PLUGINS, Service
from localstack.utils import bootstrap

LOG = logging.getLogger("localstack.bridge")


def add_service(name, handler):
    """Registers a service all of whose operations go to `handler(context, request)`."""
    operations = load_service(name).operation_names
    SERVICE_PLUGINS.api_provider_specs[name] = ["default"]  # what makes the service exist for LocalStack
    bootstrap.get_enabled_apis.cache_clear()
    skeleton = Skeleton(load_service(name), {operation: handler for operation in operations})
    SERVICE_PLUGINS.add_service(Service(name, skeleton=skeleton))


def forward_services(services):
    for pair in filter(None, services.split(",")):
        name, url = pair.strip().split("=", 1)
        proxy = AwsRequestProxy(url)
        add_service(name, lambda context, _request, proxy=proxy: proxy(context))


def answer_glue_by_moto():
    from localstack.services.moto import call_moto

    add_service("glue", lambda context, _request: call_moto(context))


def task_failure(task_state, env, error_name, error, cause):
    """The exception by which a state's evaluation reports an error that Retry and Catch see."""
    from localstack.aws.api.stepfunctions import HistoryEventType, TaskFailedEventDetails
    from localstack.services.stepfunctions.asl.component.common.error_name.failure_event import FailureEvent
    from localstack.services.stepfunctions.asl.eval.event.event_detail import EventDetails

    details = TaskFailedEventDetails(
        resource=task_state._get_sfn_resource(),
        resourceType=task_state._get_sfn_resource_type(),
        error=error,
        cause=cause,
    )
    return FailureEvent(
        env=env,
        error_name=error_name,
        event_type=HistoryEventType.TaskFailed,
        event_details=EventDetails(taskFailedEventDetails=details),
    )


def fail_ecs_sync_on_bad_exit():
    """Fault: ecs:runTask.sync counts every STOPPED task as a success, whatever its exit code, started or not.
    AWS fails the state with States.TaskFailed and the task's description as the cause."""
    from localstack.services.stepfunctions.asl.component.common.error_name.failure_event import FailureEventException
    from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name import StatesErrorName
    from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name_type import (
        StatesErrorNameType,
    )
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
        state_task_service_ecs as ecs,
    )

    cls = ecs.StateTaskServiceEcs
    build_sync_resolver = cls._build_sync_resolver

    def _build_sync_resolver(self, env, resource_runtime_part, normalised_parameters, state_credentials):
        submitted = env.stack[-1]["Tasks"][0]
        resolve = build_sync_resolver(self, env, resource_runtime_part, normalised_parameters, state_credentials)

        def resolve_or_fail():
            task = resolve()
            if task is None:
                return None
            exit_codes = [container.get("ExitCode") for container in task.get("Containers", [])]
            ended_by_itself = task.get("StopCode") in ("EssentialContainerExited", None)
            if ended_by_itself and exit_codes and all(code == 0 for code in exit_codes):
                return task
            error = StatesErrorNameType.StatesTaskFailed
            cause = json.dumps(task, default=str)
            raise FailureEventException(
                task_failure(self, env, StatesErrorName(typ=error), error.to_name(), cause)
            )

        def stop():
            client = ecs.boto_client_for(
                service="ecs", region=resource_runtime_part.region, state_credentials=state_credentials
            )
            client.stop_task(
                cluster=submitted["ClusterArn"], task=submitted["TaskArn"], reason="Stopped by Step Functions"
            )

        resolve_or_fail.stop = stop
        return resolve_or_fail

    cls._build_sync_resolver = _build_sync_resolver


def stop_ecs_task_with_its_state():
    """Fault: StopExecution and TimeoutSeconds leave the task of an ecs:runTask.sync state running. AWS stops it.
    Needs fail_ecs_sync_on_bad_exit, whose resolver knows how to."""
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
        state_task_service_ecs as ecs,
    )

    cls = ecs.StateTaskServiceEcs
    eval_sync = cls._eval_sync

    def _eval_sync(self, env, sync_resolver, **kwargs):
        outcome = eval_sync(self, env=env, sync_resolver=sync_resolver, **kwargs)
        if outcome is None:  # neither success nor failure: the state was given up
            try:
                sync_resolver.stop()
            except Exception:
                LOG.exception("bridge: StopTask")
        return outcome

    cls._eval_sync = _eval_sync


def name_ecs_api_errors():
    """Fault: an error of the ECS API itself (RunTask refused) cannot be caught. AWS names it ECS.<code>."""
    from botocore.exceptions import ClientError
    from localstack.services.stepfunctions.asl.component.common.error_name.custom_error_name import CustomErrorName
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
        state_task_service_ecs as ecs,
    )

    cls = ecs.StateTaskServiceEcs
    from_error = cls._from_error

    def _from_error(self, env, ex):
        if not isinstance(ex, ClientError):
            return from_error(self, env=env, ex=ex)
        error = ex.response["Error"]
        name = "ECS." + error["Code"]
        return task_failure(self, env, CustomErrorName(error_name=name), name, error.get("Message", ""))

    cls._from_error = _from_error


def let_ecs_sync_states_be_retried():
    """Fault: one callback token serves all attempts of a state, so the second attempt of a retried .sync state finds it
    used up and ends at once with States.Timeout. A .sync state needs no token."""
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
        state_task_service_ecs as ecs,
    )
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service.resource import (
        ResourceCondition,
    )

    cls = ecs.StateTaskServiceEcs
    eval_integration_pattern = cls._eval_integration_pattern

    def _eval_integration_pattern(self, *args, **kwargs):
        if self.resource.condition == ResourceCondition.Sync:
            self._supported_integration_patterns = {ResourceCondition.Sync}
        return eval_integration_pattern(self, *args, **kwargs)

    cls._eval_integration_pattern = _eval_integration_pattern


def know_aws_sdk_service_names():
    """Fault: aws-sdk:<name> integrations use names without dashes, boto3 dashed ones; only two are mapped."""
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
        state_task_service as task_service,
    )

    task_service.StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.update(
        {
            "cloudwatchlogs": "logs",
            "eventbridge": "events",
            "redshiftdata": "redshift-data",
            "redshiftserverless": "redshift-serverless",
        }
    )


def evaluate_jsonata_without_jvm():
    """Fault: JSONata is evaluated in a JVM that LocalStack downloads at first use. jsonata-python does it in process."""
    import jsonata
    from localstack.services.stepfunctions.asl.jsonata import jsonata as evaluator

    def _eval_jsonata(expression):
        try:
            return json.loads(json.dumps(jsonata.Jsonata(expression).evaluate(None)))
        except Exception as error:
            raise evaluator.JSONataException("UNKNOWN", str(error)) from error

    evaluator._eval_jsonata = _eval_jsonata


FREE_FORM = ("DockerLabels", "Options")


def api_case(value):
    """CloudFormation's PascalCase property names as the APIs' camelCase; keys of free-form maps stay."""
    if isinstance(value, dict):
        return {
            key[0].lower() + key[1:]: inner if key in FREE_FORM else api_case(inner) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [api_case(inner) for inner in value]
    return value


def resource_provider(identifier, create, delete, attributes=()):
    """A CloudFormation resource type. `create(clients, properties, request)` returns the properties it adds;
    an update is a creation, since the APIs behind these types overwrite or make a new revision."""
    from localstack.services.cloudformation import resource_provider as base

    class Provider(base.ResourceProvider):
        SCHEMA = {
            "primaryIdentifier": [f"/properties/{identifier}"],
            "readOnlyProperties": [f"/properties/{attribute}" for attribute in attributes],
        }

        def create(self, request):
            properties = dict(request.desired_state)
            properties.update(create(request.aws_client_factory, properties, request))
            return base.ProgressEvent(status=base.OperationStatus.SUCCESS, resource_model=properties)

        update = create

        def delete(self, request):
            delete(request.aws_client_factory, request.desired_state)
            return base.ProgressEvent(status=base.OperationStatus.SUCCESS, resource_model={})

    return Provider


def create_cluster(clients, properties, request):
    name = properties.get("ClusterName") or f"{request.stack_name}-{request.logical_resource_id}"
    cluster = clients.ecs.create_cluster(clusterName=name)["cluster"]
    return {"ClusterName": cluster["clusterName"], "Arn": cluster["clusterArn"]}


def delete_cluster(clients, properties):
    clients.ecs.delete_cluster(cluster=properties["ClusterName"])


# What the API wants as a number or a boolean and CloudFormation allows as a string.
NUMBERS = ("Cpu", "Memory", "MemoryReservation", "StartTimeout", "StopTimeout")
BOOLEANS = ("Essential", "ReadonlyRootFilesystem", "Privileged")


def typed_container(container):
    typed = dict(container)
    typed.update({name: int(container[name]) for name in NUMBERS if name in container})
    typed.update({name: str(container[name]).lower() == "true" for name in BOOLEANS if name in container})
    if "Environment" in container:
        typed["Environment"] = [dict(pair, Value=str(pair["Value"])) for pair in container["Environment"]]
    return typed


def create_task_definition(clients, properties, _request):
    definition = {name: value for name, value in properties.items() if name != "TaskDefinitionArn"}
    definition["ContainerDefinitions"] = [typed_container(each) for each in definition["ContainerDefinitions"]]
    registered = clients.ecs.register_task_definition(**api_case(definition))
    return {"TaskDefinitionArn": registered["taskDefinition"]["taskDefinitionArn"]}


def delete_task_definition(clients, properties):
    clients.ecs.deregister_task_definition(taskDefinition=properties["TaskDefinitionArn"])


def create_dashboard(clients, properties, request):
    name = properties.get("DashboardName") or f"{request.stack_name}-{request.logical_resource_id}"
    clients.cloudwatch.put_dashboard(DashboardName=name, DashboardBody=properties["DashboardBody"])
    return {"DashboardName": name}


def delete_dashboard(clients, properties):
    clients.cloudwatch.delete_dashboards(DashboardNames=[properties["DashboardName"]])


def create_metric_filter(clients, properties, request):
    name = properties.get("FilterName") or f"{request.stack_name}-{request.logical_resource_id}"
    clients.logs.put_metric_filter(
        logGroupName=properties["LogGroupName"],
        filterName=name,
        filterPattern=properties["FilterPattern"],
        metricTransformations=api_case(properties["MetricTransformations"]),
    )
    return {"FilterName": name}


def delete_metric_filter(clients, properties):
    clients.logs.delete_metric_filter(logGroupName=properties["LogGroupName"], filterName=properties["FilterName"])


def make_missing_resource_types():
    """Fault: CloudFormation "deploys" types without a provider as an empty stub whose Ref is "unknown" and reports
    CREATE_COMPLETE."""
    from localstack.services.cloudformation import resource_provider as base

    types = {
        "AWS::ECS::Cluster": resource_provider("ClusterName", create_cluster, delete_cluster, ["Arn"]),
        "AWS::ECS::TaskDefinition": resource_provider(
            "TaskDefinitionArn", create_task_definition, delete_task_definition, ["TaskDefinitionArn"]
        ),
        "AWS::CloudWatch::Dashboard": resource_provider("DashboardName", create_dashboard, delete_dashboard),
        "AWS::Logs::MetricFilter": resource_provider("FilterName", create_metric_filter, delete_metric_filter),
    }
    try_load = base.ResourceProviderExecutor.try_load_resource_provider

    def try_load_resource_provider(resource_type):
        return types[resource_type]() if resource_type in types else try_load(resource_type)

    base.ResourceProviderExecutor.try_load_resource_provider = staticmethod(try_load_resource_provider)


def split_list_parameters_of_existing_stacks():
    """Fault: list parameters of a stack that exists are not split, so updating or deleting one that joins such a list
    fails."""
    from localstack.services.cloudformation.engine.v2.change_set_model_preproc import ChangeSetModelPreproc

    visit_node_parameter = ChangeSetModelPreproc.visit_node_parameter

    def _visit_node_parameter(self, node_parameter):
        delta = visit_node_parameter(self, node_parameter)
        kind = str(self.visit(node_parameter.type_).before)
        if isinstance(delta.before, str) and kind.startswith(("List<", "CommaDelimitedList")):
            delta.before = [item.strip() for item in delta.before.split(",")]
        return delta

    ChangeSetModelPreproc.visit_node_parameter = _visit_node_parameter


forward_services(os.environ.get("BRIDGE_SERVICES", ""))
answer_glue_by_moto()
fail_ecs_sync_on_bad_exit()
stop_ecs_task_with_its_state()
name_ecs_api_errors()
let_ecs_sync_states_be_retried()
know_aws_sdk_service_names()
evaluate_jsonata_without_jvm()
make_missing_resource_types()
split_list_parameters_of_existing_stacks()
