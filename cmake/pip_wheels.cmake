# Only for setup.py, which builds against the ROS wheels (-DCMAKE_PROJECT_ser_ros_INCLUDE=<this file>).

# All libraries lie side by side in the Python package.
set(CMAKE_INSTALL_RPATH "$ORIGIN")
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)

function(_ser_ros_after_configure)
  # The wheels export <pkg>__rosidl_generator_py targets with the include folders of the machine that
  # built them: drop what is not here.
  get_directory_property(targets IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(folders)
      set(present "")
      foreach(folder IN LISTS folders)
        if(folder MATCHES "^\\$<" OR EXISTS "${folder}")
          list(APPEND present "${folder}")
        endif()
      endforeach()
      set_property(TARGET ${target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${present}")
    endif()
  endforeach()

  # rosidl_typesupport_c opens these two by name at run time, which succeeds only when they are loaded.
  target_link_options(ser_ros__rosidl_typesupport_c PRIVATE "LINKER:--no-as-needed")
  target_link_libraries(ser_ros__rosidl_typesupport_c PRIVATE
    ser_ros__rosidl_typesupport_fastrtps_c ser_ros__rosidl_typesupport_introspection_c)

  # What rclpy loads.
  add_custom_target(ser_ros_python)
  foreach(support rosidl_typesupport_c rosidl_typesupport_fastrtps_c)
    foreach(extension ser_ros_s__${support} ser_ros__${support}__pyext)  # Kilted, Jazzy
      if(TARGET ${extension})
        add_dependencies(ser_ros_python ${extension})
      endif()
    endforeach()
  endforeach()
endfunction()
cmake_language(DEFER DIRECTORY "${CMAKE_SOURCE_DIR}" CALL _ser_ros_after_configure)
